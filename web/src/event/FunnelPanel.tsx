import type { EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { Bar } from "../ui/Bar";

/**
 * How many go on from each step to the next. A bar is a part of the step before: parts of the first would leave nothing
 * to see of the later steps, thousands of times smaller.
 */
export function FunnelPanel({ steps }: { steps: EventPageFragment["funnel"]["steps"] }) {
  const { t, f } = useLocale();
  const whole = steps.at(-1)?.fromFirst ?? null;
  return (
    <section className="card funnel-panel" aria-labelledby="funnel-title">
      <header>
        <h2 id="funnel-title">{t.funnel.title}</h2>
        {whole === null ? null : <p className="note number">{t.funnel.whole(f.smallPercent(whole))}</p>}
      </header>
      <ol className="funnel">
        {steps.map((step, index) => {
          const former = steps[index - 1];
          return (
            <li key={step.name}>
              <p>
                <span>{t.funnel.steps[step.name]}</span>
                <strong className="number">{f.count(step.count)}</strong>
              </p>
              <Bar part={former === undefined ? Number(step.count > 0) : Number(step.fromPrevious ?? 0) / 100} />
              {former === undefined || step.fromPrevious === null ? null : (
                <p className="note number">{t.funnel.fromPrevious(f.percent(step.fromPrevious), t.funnel.steps[former.name])}</p>
              )}
            </li>
          );
        })}
      </ol>
      <p className="note">{t.funnel.note}</p>
    </section>
  );
}
