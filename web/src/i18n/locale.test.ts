import { describe, expect, it } from "vitest";
import { en } from "./en";
import { createFormats, NO_VALUE } from "./formats";
import { ko } from "./ko";
import { preferredLanguage } from "./locale";

describe("preferredLanguage", () => {
  it("is the browser's first that there is", () => {
    expect(preferredLanguage(["ko-KR", "en-US"])).toBe("ko");
    expect(preferredLanguage(["fr-FR", "ko"])).toBe("ko");
    expect(preferredLanguage(["en-GB", "ko"])).toBe("en");
    expect(preferredLanguage(["fr"])).toBe("en");
    expect(preferredLanguage([])).toBe("en");
  });
});

describe("formats", () => {
  const korean = createFormats("ko");
  const english = createFormats("en");

  it("write won without decimals, grouped", () => {
    expect(korean.won("1500000.00")).toBe("₩1,500,000");
    expect(english.won("-120.50")).toBe("-₩121");
    expect(korean.won("9999999999999.99")).toBe("₩10,000,000,000,000");
  });

  it("read the gateway's percentages as they are meant", () => {
    expect(english.percent("180.00")).toBe("180.0%");
    expect(english.percent("12.55")).toBe("12.6%");
    expect(english.change("12.50")).toBe("+12.5%");
    expect(english.change("-3.20")).toBe("-3.2%");
    expect(english.change("0.00")).toBe("0.0%");
  });

  it("show that there is no value instead of a zero", () => {
    expect([english.won(null), english.percent(null), english.change(null)]).toEqual([NO_VALUE, NO_VALUE, NO_VALUE]);
  });

  it("shorten in the language's own steps", () => {
    expect(korean.compact(12_345)).toBe("1.2만");
    expect(english.compact(12_345)).toBe("12.3K");
    expect([korean.compact(9_999), english.compact(1_400)]).toEqual(["9,999", "1,400"]);
  });

  it("name a bucket in the zone of the chart", () => {
    const midnight = Date.parse("2026-01-04T15:00:00Z");
    expect(english.bucket(midnight, "DAY", "Asia/Seoul")).toBe("Mon, Jan 5, 2026");
    expect(english.bucket(midnight, "DAY", "UTC")).toBe("Sun, Jan 4, 2026");
  });
});

it("says everything in Korean too, and nothing by leaving the English", () => {
  const same: string[] = [];
  const walk = (a: object, b: object, path: string): void => {
    for (const [key, value] of Object.entries(a)) {
      const other = (b as Record<string, unknown>)[key];
      if (typeof value === "object" && value !== null) {
        walk(value as object, other as object, `${path}.${key}`);
      } else if (value === other) {
        same.push(`${path}.${key}`.slice(1));
      }
    }
  };
  walk(en, ko, "");
  expect(same.toSorted()).toEqual(["channelType.TV", "event.roi", "overview.roi", "playground", "product", "user.roi"]);
});

const ago = (language: string, seconds: number) => createFormats(language).ago(0, seconds * 1000);

describe("ago", () => {
  it("is now for ten seconds, then as rough as it is long", () => {
    expect([-5, 9.9, 25, 59, 61, 3599, 7200, 86_400].map((seconds) => ago("en", seconds))).toEqual([
      "now",
      "now",
      "20 seconds ago",
      "50 seconds ago",
      "1 minute ago",
      "59 minutes ago",
      "2 hours ago",
      "yesterday",
    ]);
  });

  it("speaks Korean", () => {
    expect([0, 30, 240].map((seconds) => ago("ko", seconds))).toEqual(["지금", "30초 전", "4분 전"]);
  });
});
