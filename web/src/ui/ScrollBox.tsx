import type { ReactNode } from "react";
import "./scrollBox.css";

/** A table or the like that may be wider or higher than its place. It can be reached, and so scrolled, by keyboard. */
export function ScrollBox({ label, isTall, children }: { label: string; isTall: boolean; children: ReactNode }) {
  return (
    // oxlint-disable-next-line jsx-a11y/no-noninteractive-tabindex -- a region that scrolls has to take the focus
    <div className="scroll" data-tall={isTall} role="region" aria-label={label} tabIndex={0}>
      {children}
    </div>
  );
}
