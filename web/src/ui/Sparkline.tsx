import { sparkline } from "./sparkline";
import "./sparkline.css";

const WIDTH = 240;
const HEIGHT = 44;

/** A small chart without axes: the shape of a course, not its numbers. */
export function Sparkline({ values, label }: { values: readonly number[]; label: string }) {
  const { line, area } = sparkline(values, WIDTH, HEIGHT);
  return (
    <svg className="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path className="spark-area" d={area} />
      <path className="spark-line" d={line} />
    </svg>
  );
}
