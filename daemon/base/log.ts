/**
 * Logs are events: a constant lower-case message, data in fields with units in their names.
 * No national number ever; no badge number above debug (rule 7 of the product).
 */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
  fatal(fields: object, message: string): void;
  child(bindings: { readonly room: string; readonly [field: string]: unknown }): Log;
}

export const silentLog: Log = {
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {},
  child: () => silentLog,
};
