import { useLocale } from "../i18n/locale";
import { Segments } from "../ui/Segments";
import { Select } from "../ui/Select";
import { isLevel, METRICS } from "./metric";
import { fittingGranularity, granularitiesOf, RANGES } from "./range";
import { COMPARISONS, type TimelineParams } from "./useTimelineParams";
import { zones } from "./zones";

const NONE = "NONE";

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
      {isLevel(params.metric) ? null : (
        <Select
          label={t.timeline.compare}
          value={params.compareTo ?? NONE}
          options={[
            { value: NONE, label: t.timeline.comparisons.NONE },
            ...COMPARISONS.map((value) => ({ value, label: t.timeline.comparisons[value] })),
          ]}
          onChange={(value) => onChange({ compareTo: value === NONE ? null : value })}
        />
      )}
      <Select
        label={t.timeline.zone}
        value={params.timeZone}
        options={choices.map((value) => ({ value, label: value }))}
        onChange={(timeZone) => onChange({ timeZone })}
      />
    </div>
  );
}
