import { useEffect, useState, type RefObject } from "react";

/** Whether the element is in sight, or nearly so. */
export function useInView(element: RefObject<Element | null>, margin: string): boolean {
  const [inView, setInView] = useState(false);
  useEffect(() => {
    const target = element.current;
    if (target === null) {
      return;
    }
    const observer = new IntersectionObserver((entries) => setInView(entries.at(-1)?.isIntersecting ?? false), { rootMargin: margin });
    observer.observe(target);
    return () => observer.disconnect();
  }, [element, margin]);
  return inView;
}
