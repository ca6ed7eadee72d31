import { expect, it } from "vitest";
import { subjectOf } from "./token";

/** A token as far as a page can read it. */
const token = (claims: object): string => `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;

it("reads whose token it is", () => {
  expect(subjectOf(token({ sub: "가게-01" }))).toEqual({ user: "가게-01", isAdmin: false });
  expect(subjectOf(token({ sub: "a?>~", role: "admin" }))).toEqual({ user: "a?>~", isAdmin: true });
});

it("finds nobody in what is no token", () => {
  for (const text of ["", "secret", "a.b.c", "a..c", token({ role: "admin" }), token([])]) {
    expect(subjectOf(text), text).toBeNull();
  }
});
