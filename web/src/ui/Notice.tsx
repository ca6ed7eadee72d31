import type { ReactNode } from "react";
import "./states.css";

interface Props {
  title: string;
  hint: string;
  role?: "alert" | "status";
  /** Whether it stands for the whole page instead of a part. */
  isPage?: boolean;
  children?: ReactNode;
}

/** Stands where content would: says what is the matter and, as children, offers what to do. */
export function Notice({ title, hint, role, isPage = false, children }: Props) {
  return (
    <div className="notice" role={role}>
      {isPage ? <h1>{title}</h1> : <h2>{title}</h2>}
      <p>{hint}</p>
      {children}
    </div>
  );
}
