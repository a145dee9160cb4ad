import { defineConfig, type ViteUserConfig } from "vitest/config";

/**
 * Node strips types by a WebAssembly module that all threads of a process share. V8 13 now and then crashes when a thread
 * makes its calls out of that module faster while another one ends (seen: WasmCode::DecrementRefCount below
 * TierUpWasmToJSWrapper); tests start hundreds of threads from the sources. Shipped code has its types stripped before.
 */
const neverTierUpWrappers = "--wasm-wrapper-tiering-budget=1000000000";

/** `include` is listed, so that tests compiled into `dist` never run a second time. */
const configuration: ViteUserConfig = defineConfig({
  test: {
    root: new URL("..", import.meta.url).pathname,
    include: ["{daemon,drivers,config,scripts}/**/*.test.ts"],
    setupFiles: ["daemon/testing/end-left-processes.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    reporters: ["default"],
    // Most of what takes time waits for something: on two cores one worker, the default, would wait twice as long.
    maxWorkers: 2,
    execArgv: [neverTierUpWrappers],
  },
});

export default configuration;
