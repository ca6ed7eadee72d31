import { useLocale } from "../i18n/locale";
import { isLevel, type Metric } from "./metric";

/** What the ways of drawing mean. */
export function ChartLegend({ metric, hasCompared, hasForecast }: { metric: Metric; hasCompared: boolean; hasForecast: boolean }) {
  const { t } = useLocale();
  return (
    <ul className="legend">
      <li data-mark={isLevel(metric) ? "line" : "bar"}>{t.timeline.metrics[metric]}</li>
      <li data-mark={isLevel(metric) ? "running-line" : "running-bar"}>{t.timeline.running}</li>
      {hasCompared && !isLevel(metric) ? <li data-mark="compared">{t.timeline.compared}</li> : null}
      {hasForecast && isLevel(metric) ? <li data-mark="forecast">{t.timeline.forecast}</li> : null}
    </ul>
  );
}
