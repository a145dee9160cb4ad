/** Node options of a process that cannot load undici's agent, as where a sector of the installation cannot be read. */
export const withoutAgent: string = `--import=data:text/javascript,${encodeURIComponent(`
import { registerHooks } from "node:module";
registerHooks({
  resolve(specifier, context, next) {
    if (specifier === "undici/lib/dispatcher/agent.js") throw new Error("EIO: i/o error, read");
    return next(specifier, context);
  },
});`)}`;
