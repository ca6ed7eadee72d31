import { useState } from "react";
import type { Granularity } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { ScrollBox } from "../ui/ScrollBox";
import { METRICS, valueOf } from "./metric";
import type { Bucket } from "./series";

const MAX_ROWS = 200;

/** The chart's numbers, newest first, for everybody who would rather read them. */
export function TimelineTable({ buckets, granularity, timeZone }: { buckets: readonly Bucket[]; granularity: Granularity; timeZone: string }) {
  const { t, f } = useLocale();
  const [isOpen, setOpen] = useState(false);
  return (
    <details className="chart-table" onToggle={(toggle) => setOpen(toggle.currentTarget.open)}>
      <summary>{t.timeline.table}</summary>
      {isOpen ? (
        <ScrollBox label={t.timeline.tableLabel} isTall>
          <table>
            <thead>
              <tr>
                <th scope="col">{t.timeline.time}</th>
                {METRICS.map((metric) => (
                  <th key={metric} scope="col">
                    {t.timeline.metrics[metric]}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {buckets
                .slice(-MAX_ROWS)
                .toReversed()
                .map((bucket) => (
                  <tr key={bucket.start}>
                    <th scope="row">{f.bucket(bucket.start, granularity, timeZone)}</th>
                    {METRICS.map((metric) => (
                      <td key={metric}>{f.count(valueOf(bucket, metric))}</td>
                    ))}
                  </tr>
                ))}
            </tbody>
          </table>
        </ScrollBox>
      ) : null}
    </details>
  );
}
