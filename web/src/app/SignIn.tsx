import type { Refusal } from "../gateway/session";
import { useLocale } from "../i18n/locale";
import { Notice } from "../ui/Notice";
import { TokenForm } from "../ui/TokenForm";
import { useTitle } from "../ui/useTitle";

/** Stands for every page while the gateway does not know who asks. */
export function SignIn({ refusal }: { refusal: Refusal }) {
  const { t } = useLocale();
  const { title, hint } = t.signIn[refusal];
  useTitle(title);
  return (
    <div className="card sign-in">
      <Notice role={refusal === "rejected" ? "alert" : "status"} isPage title={title} hint={hint}>
        <TokenForm />
      </Notice>
    </div>
  );
}
