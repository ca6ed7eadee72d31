import type { ReactNode } from "react";
import "./states.css";

/** Stands where content would: says what is the matter and, as children, offers what to do. */
export function Notice({ title, hint, children, role }: { title: string; hint: string; children?: ReactNode; role?: "alert" | "status" }) {
  return (
    <div className="notice" role={role}>
      <h2>{title}</h2>
      <p>{hint}</p>
      {children}
    </div>
  );
}
