import { expect, test } from "vitest";
import { isMisled } from "./name-doubt.ts";
import type { NameAnswer } from "./name-servers.ts";

const told = (...addresses: readonly string[]): NameAnswer => ({ kind: "told", addresses });
const silent: NameAnswer = { kind: "silent" };
const noSuchName: NameAnswer = { kind: "no-such-name" };

test.each<[string, readonly string[], readonly NameAnswer[], readonly string[], boolean]>([
  ["where others send it too", ["192.0.2.1"], [told("192.0.2.1"), silent], [], false],
  ["to one of several that others tell", ["192.0.2.1"], [told("192.0.2.2", "192.0.2.1")], [], false],
  ["where nobody else sends it", ["192.0.2.9"], [told("192.0.2.1")], [], true],
  ["where it has answered before", ["192.0.2.9"], [told("192.0.2.1")], ["192.0.2.9"], false],
  ["somewhere, and nobody else could be asked", ["192.0.2.9"], [silent], [], false],
  ["to this very box", ["0.0.0.0"], [silent], [], true],
  ["to the router", ["192.168.1.1"], [silent], ["192.0.2.1"], true],
  ["to the router, which answers in everybody's place", ["192.168.1.1"], [told("192.168.1.1")], [], true],
  ["to a service of the house that answered there", ["10.1.2.3"], [silent], ["10.1.2.3"], false],
  ["over IPv6 only", ["2001:db8::1"], [told("192.0.2.1")], [], false],
  ["nowhere: it had no name", [], [told("192.0.2.1")], [], false],
])("a connection that was sent %s", (_, addresses, others, whenWell, isAstray) => {
  const known = { others, whenWell: new Set(whenWell) };
  expect(isMisled({ addresses, isUnknown: false }, known)).toBe(isAstray);
});

test.each<[string, readonly NameAnswer[], boolean]>([
  ["nor anybody else", [noSuchName, silent], false],
  ["but others do", [told("192.0.2.1")], true],
  ["and nobody else could be asked", [silent], true],
])("the site's name server knows no such name, %s", (_, others, isAstray) => {
  expect(isMisled({ addresses: [], isUnknown: true }, { others, whenWell: new Set() })).toBe(isAstray);
});
