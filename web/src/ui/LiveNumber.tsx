import { useEffect, useRef, useState } from "react";
import { isMotionReduced } from "./motion";

const GLIDE_MS = 450;

/**
 * A number that glides to its next value. It writes to the DOM itself: twenty updates a second on a page full of tiles
 * must not render React trees sixty times a second.
 */
export function LiveNumber({ value, format }: { value: number; format: (value: number) => string }) {
  const element = useRef<HTMLSpanElement>(null);
  const shown = useRef(value);
  // Never another text for React: from the first paint on, the text is the effect's.
  const [first] = useState(() => format(value));

  useEffect(() => {
    const write = (next: number): void => {
      shown.current = next;
      if (element.current !== null) {
        element.current.textContent = format(next);
      }
    };
    const from = shown.current;
    if (from === value || isMotionReduced() || document.hidden) {
      write(value);
      return;
    }
    const started = performance.now();
    let frame = requestAnimationFrame(function step(now) {
      const progress = Math.min(1, (now - started) / GLIDE_MS);
      write(Math.round(from + (value - from) * (1 - (1 - progress) ** 3)));
      if (progress < 1) {
        frame = requestAnimationFrame(step);
      }
    });
    return () => cancelAnimationFrame(frame);
  }, [value, format]);

  return (
    <span className="number" ref={element}>
      {first}
    </span>
  );
}
