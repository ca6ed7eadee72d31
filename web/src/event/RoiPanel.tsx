import type { EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";

/** What the event costs, what it is to bring, and how near that is to its target. */
export function RoiPanel({ roi }: { roi: EventPageFragment["roi"] }) {
  const { t, f } = useLocale();
  const money: readonly [string, string | null][] = [
    [t.roi.revenue, roi.expectedRevenue],
    [t.roi.investment, roi.totalInvestment],
    [t.roi.profit, roi.netProfit],
    [t.roi.distribution, roi.distributionCost],
    [t.roi.perParticipant, roi.costPerParticipant],
    [t.roi.perConversion, roi.costPerConversion],
    [t.roi.revenuePerParticipant, roi.revenuePerParticipant],
  ];
  return (
    <section className="card" aria-labelledby="roi-title">
      <header>
        <h2 id="roi-title">{t.roi.title}</h2>
      </header>
      <Target roi={roi} />
      <dl className="ledger number">
        {money.map(([label, value]) => (
          <div key={label}>
            <dt>{label}</dt>
            <dd>{f.won(value)}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

/** The estimated ROI against its target; the mark on the bar is the target. */
function Target({ roi }: { roi: EventPageFragment["roi"] }) {
  const { t, f } = useLocale();
  const estimated = Number(roi.estimatedRoi);
  const target = Number(roi.targetRoi);
  const scale = Math.max(estimated, target, 1) * 1.1;
  return (
    <div className="target">
      <p className="target-figures number">
        <span>
          {t.roi.estimated} <strong>{f.percent(roi.estimatedRoi)}</strong>
        </span>
        {roi.targetAchievement === null ? (
          <span>{t.roi.noTarget}</span>
        ) : (
          <span>
            {t.roi.target} {f.percent(roi.targetRoi)}
          </span>
        )}
      </p>
      <div className="target-bar" aria-hidden="true">
        <span className="target-fill" style={{ width: `${(estimated / scale) * 100}%` }} />
        {roi.targetAchievement === null ? null : <span className="target-mark" style={{ insetInlineStart: `${(target / scale) * 100}%` }} />}
      </div>
      {roi.targetAchievement === null ? null : (
        <p className="note number">
          {f.percent(roi.targetAchievement)} {t.roi.achievement}
        </p>
      )}
    </div>
  );
}
