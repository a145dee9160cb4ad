import { defineConfig, type ViteUserConfig } from "vitest/config";

/** `include` is listed, so that tests compiled into `dist` never run a second time. */
const configuration: ViteUserConfig = defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["{daemon,drivers,config,scripts}/**/*.test.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ["default"],
  },
});

export default configuration;
