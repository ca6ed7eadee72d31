import { sparkBars } from "./sparkBars";
import "./sparkBars.css";

const WIDTH = 240;
const HEIGHT = 44;

interface Props {
  values: readonly number[];
  /** Whether the last one is not over yet; it is drawn fainter. */
  isLastRunning: boolean;
  label: string;
}

/** A small bar chart without axes: the shape of a course, not its numbers. */
export function SparkBars({ values, isLastRunning, label }: Props) {
  const { finished, running } = sparkBars(values, isLastRunning, WIDTH, HEIGHT);
  return (
    <svg className="spark-bars" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path className="spark-finished" d={finished} />
      <path className="spark-running" d={running} />
    </svg>
  );
}
