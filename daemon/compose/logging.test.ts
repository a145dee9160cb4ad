import { expect, test } from "vitest";
import { takesColours } from "./logging.ts";

test.each([
  [{ TERM: "xterm-256color" }, true],
  [{}, true],
  [{ TERM: "xterm", NO_COLOR: "" }, true],
  [{ TERM: "xterm", NO_COLOR: "1" }, false],
  [{ TERM: "dumb" }, false],
])("a terminal with %o gets colours: %s", (environment, is) => {
  expect(takesColours(environment)).toBe(is);
});
