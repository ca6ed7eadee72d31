import type { EventPageFragment } from "../gateway/generated/operations";
import { useLocale } from "../i18n/locale";
import { Bar } from "../ui/Bar";

/** How many go on from each step to the next. */
export function FunnelPanel({ steps }: { steps: EventPageFragment["funnel"]["steps"] }) {
  const { t, f } = useLocale();
  const widest = Math.max(1, ...steps.map((step) => step.count));
  return (
    <section className="card" aria-labelledby="funnel-title">
      <header>
        <h2 id="funnel-title">{t.funnel.title}</h2>
      </header>
      <ol className="funnel">
        {steps.map((step) => (
          <li key={step.name}>
            <p>
              <span>{t.funnel.steps[step.name]}</span>
              <strong className="number">{f.count(step.count)}</strong>
            </p>
            <Bar part={step.count / widest} />
            {step.fromPrevious === null ? null : <p className="note number">{t.funnel.fromPrevious(f.percent(step.fromPrevious))}</p>}
          </li>
        ))}
      </ol>
      <p className="note">{t.funnel.note}</p>
    </section>
  );
}
