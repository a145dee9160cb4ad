/** One step on the way to a registration, and what to do where it fails. */
export type Step = {
  readonly step: StepName;
  readonly state: "ok" | "failed" | "not-tried";
  /** What was found, or why it was not tried. */
  readonly found: string;
  /** Empty when there is nothing to do. */
  readonly advice: string;
  /** The mistake is in the configuration or in a file that it names. */
  readonly isConfiguration: boolean;
};

export type StepName =
  | "name"
  | "connection"
  | "certificate"
  | "clock"
  | "token name"
  | "token connection"
  | "token certificate"
  | "token"
  | "health";

export function ok(step: StepName, found: string, advice = ""): Step {
  return { step, state: "ok", found, advice, isConfiguration: false };
}

export function failed(step: StepName, found: string, advice: string): Step {
  return { step, state: "failed", found, advice, isConfiguration: false };
}

export function misconfigured(step: StepName, found: string, advice: string): Step {
  return { step, state: "failed", found, advice, isConfiguration: true };
}

export function notTried(step: StepName, why: string): Step {
  return { step, state: "not-tried", found: why, advice: "", isConfiguration: false };
}

const labelChars = 19;

/** Capitals are what somebody should look at; what to do stands below it. */
export function stepLines({ step, state, found, advice }: Step): readonly string[] {
  const words = { ok: "ok, ", failed: "FAILED: ", "not-tried": "not tried: " }[state];
  const line = `${step.padEnd(labelChars)}${words}${found}`;
  return advice === "" ? [line] : [line, `${" ".repeat(labelChars)}→ ${advice}`];
}
