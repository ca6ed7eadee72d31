import { useLocale } from "../i18n/locale";
import { Segments } from "../ui/Segments";
import { Select } from "../ui/Select";
import { METRICS } from "./metric";
import { fittingGranularity, granularitiesOf, RANGES } from "./range";
import type { TimelineParams } from "./useTimelineParams";
import { zones } from "./zones";

export function TimelineControls({ params, onChange }: { params: TimelineParams; onChange: (change: Partial<TimelineParams>) => void }) {
  const { t } = useLocale();
  const known = zones();
  const choices = known.includes(params.timeZone) ? known : [params.timeZone, ...known];
  return (
    <div className="chart-controls">
      <Segments
        label={t.timeline.range}
        value={params.range}
        options={RANGES.map((value) => ({ value, label: t.timeline.ranges[value] }))}
        onChange={(range) => onChange({ range, granularity: fittingGranularity(range, null) })}
      />
      <Select
        label={t.timeline.granularity}
        value={params.granularity}
        options={granularitiesOf(params.range).map((value) => ({ value, label: t.timeline.granularities[value] }))}
        onChange={(granularity) => onChange({ granularity })}
      />
      <Select
        label={t.timeline.metric}
        value={params.metric}
        options={METRICS.map((value) => ({ value, label: t.timeline.metrics[value] }))}
        onChange={(metric) => onChange({ metric })}
      />
      <Select
        label={t.timeline.zone}
        value={params.timeZone}
        options={choices.map((value) => ({ value, label: value }))}
        onChange={(timeZone) => onChange({ timeZone })}
      />
    </div>
  );
}
