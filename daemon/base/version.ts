import { type WallMs, wallMs } from "./time.ts";

/** badged's own version, as `--version` and the status tell it; a test holds it against package.json. */
export const version: string = "0.1.0";

/** No moment that badged sees is before it was built: NTP's eras unfold from here, and no scan is dated earlier. */
export const builtAt: WallMs = wallMs(1_793_491_200_000);
