const reduced = matchMedia("(prefers-reduced-motion: reduce)");

/** Whether the user asked for no movement that is not needed. */
export function isMotionReduced(): boolean {
  return reduced.matches;
}
