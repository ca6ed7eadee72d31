import "./states.css";

/** Keeps the place of something that is on its way. */
export function Skeleton({ height }: { height: string }) {
  return <div className="skeleton" style={{ height }} aria-hidden="true" />;
}
