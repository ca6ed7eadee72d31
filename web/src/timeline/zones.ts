/** The zone of the browser. */
export function browserZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

/** The zones to choose from: the likely ones first, then all that the browser knows. */
export function zones(): readonly string[] {
  return [...new Set([browserZone(), "Asia/Seoul", "UTC", ...Intl.supportedValuesOf("timeZone")])];
}

export function isZone(text: string | null): text is string {
  if (text === null || text === "") {
    return false;
  }
  try {
    // The constructor is the only judge of which names a browser knows.
    return new Intl.DateTimeFormat("en", { timeZone: text }).resolvedOptions().timeZone !== "";
  } catch {
    return false;
  }
}
