/** badged's own version, as `--version` and the status tell it; a test holds it against package.json. */
export const version: string = "0.1.0";
