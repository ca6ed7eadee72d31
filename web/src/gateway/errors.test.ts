import { expect, it } from "vitest";
import { GatewayError, toGatewayError } from "./errors";

it("takes the code of the first error", () => {
  const error = toGatewayError([{ message: "slow down", extensions: { code: "RATE_LIMITED" } }, { message: "x" }]);
  expect([error.code, error.message, error.isTransient]).toEqual(["RATE_LIMITED", "slow down", true]);
});

it("calls an unknown code internal and a lost connection network", () => {
  expect(toGatewayError([{ message: "x", extensions: { code: "NEW_ONE" } }]).code).toBe("INTERNAL");
  expect(toGatewayError([{ message: "x" }]).code).toBe("INTERNAL");
  expect(toGatewayError(new TypeError("Failed to fetch")).code).toBe("NETWORK");
  expect(toGatewayError({ code: 1006 }).code).toBe("NETWORK");
});

it("sees refused credentials in the close code of the socket", () => {
  expect(toGatewayError({ code: 4403 }).code).toBe("UNAUTHENTICATED");
  expect(toGatewayError({ code: 4403 }).isTransient).toBe(false);
});

it("leaves its own kind alone", () => {
  const error = new GatewayError("FORBIDDEN", "no");
  expect(toGatewayError(error)).toBe(error);
});
