import "./bars.css";

/** A part of a whole, 0 to 1, as a bar; its number stands in words beside it. Whatever is not zero can be seen. */
export function Bar({ part }: { part: number }) {
  return (
    <span className="bar" aria-hidden="true">
      <span style={{ width: part > 0 ? `max(2px, ${part * 100}%)` : 0 }} />
    </span>
  );
}
