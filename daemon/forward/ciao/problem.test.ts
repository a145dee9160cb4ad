import fc from "fast-check";
import { expect, test } from "vitest";
import { issuesMax, parseJson, readProblem } from "./problem.ts";

test("a byte order mark before an answer is none of its words", () => {
  expect(parseJson('\ufeff{"items":[]}')).toEqual({ items: [] });
  expect(parseJson("\ufeff")).toBeUndefined();
});

test.each([
  ["items[3].ssin", 3, "ssin: wrong"],
  ["items[3]", 3, "wrong"],
  ["items[3].employer.enterpriseNumber", 3, "employer.enterpriseNumber: wrong"],
  ["$.items[3].ssin", 3, "ssin: wrong"],
  ["items.3.ssin", 3, "ssin: wrong"],
  ["/items/3/ssin", 3, "ssin: wrong"],
  ["items", null, "items: wrong"],
  ["items[x]", null, "items[x]: wrong"],
  ["otheritems[3]", null, "otheritems[3]: wrong"],
  ["", null, "wrong"],
])("an issue named %j is about item %j", (name, index, text) => {
  expect(readProblem(JSON.stringify({ issues: [{ name, detail: "wrong" }] }))?.issues).toEqual([{ index, text }]);
});

test("an issue of a header or the path names no item", () => {
  const body = JSON.stringify({ issues: [{ in: "header", name: "items[3].ssin", detail: "wrong" }] });
  expect(readProblem(body)?.issues).toEqual([{ index: null, text: "items[3].ssin: wrong" }]);
});

test("the words of a problem are kept, with what identifies the call", () => {
  const problem = {
    type: "urn:problem-type:belgif:badRequest",
    title: "Bad Request",
    status: 400,
    detail: "1 issue",
    instance: "urn:uuid:1",
  };
  expect(readProblem(JSON.stringify(problem))?.text).toBe(
    "Bad Request, 1 issue, urn:problem-type:belgif:badRequest, instance urn:uuid:1",
  );
});

test("a problem without words says so, one with words of the wrong kind too", () => {
  expect(readProblem("{}")).toEqual({ text: "a problem without words", issues: [] });
  expect(readProblem('{"title":7,"issues":"no"}')).toEqual({ text: "a problem without words", issues: [] });
});

test("issues beyond the limit are not read", () => {
  const issues = Array.from({ length: issuesMax + 1 }, (_, index) => ({ name: `items[${index}]` }));
  expect(readProblem(JSON.stringify({ issues }))?.issues).toHaveLength(issuesMax);
});

test("no body makes it throw", () => {
  fc.assert(fc.property(fc.oneof(fc.string(), fc.json()), (body) => void readProblem(body)));
  expect(readProblem("[1]")).toBeNull();
  expect(readProblem("null")).toBeNull();
});
