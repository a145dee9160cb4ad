import { type BundleOptions, buildBundle, type Content, type SmallBundle, type Step, startMs } from "./small-bundle.ts";

const wellLayers = {
  anchors: "all",
  box: "running",
  dns: "ok",
  firstHop: "ok",
  lan: "ok",
  link: "up",
  otherChannel: "unknown",
  power: "unknown",
  service: "ok",
  token: "ok",
};

export type Layers = Readonly<Record<keyof typeof wellLayers, string>>;

export const providerDown: Layers = {
  ...wellLayers,
  anchors: "none",
  dns: "failed",
  firstHop: "failed",
  service: "unreachable",
  token: "unknown",
};

export function sample(
  atMs: number,
  cause: string | null,
  layers: Layers = wellLayers,
  whole: boolean = true,
): Content {
  return { kind: "sample", atMs, data: { cause, layers, whole } };
}

export type OutageStory = {
  readonly cause: string;
  readonly exemption: string;
  readonly layers: Layers;
  /** Added to the times that the window claims, not to those of the samples. */
  readonly claimShiftMs: number;
  /** Added to every time from the first failing sample on. */
  readonly pastShiftMs: number;
};

const story: OutageStory = {
  cause: "internet-provider",
  exemption: "presumed",
  layers: providerDown,
  claimShiftMs: 0,
  pastShiftMs: 0,
};

/** An hour of peace, an outage of ten minutes, peace again; a checkpoint before, within and after it. */
export function outageSteps(changed: Partial<OutageStory> = {}): readonly Step[] {
  const { cause, exemption, layers, claimShiftMs, pastShiftMs } = { ...story, ...changed };
  const begunMs = startMs + 3_600_000 + pastShiftMs;
  const endedMs = begunMs + 600_000;
  const claimed = (atMs: number): readonly [number, number] => [atMs - 30_008 + claimShiftMs, atMs + 8 + claimShiftMs];
  const window = (change: string, end: readonly [number, number] | null, atMs: number): Content => ({
    kind: "window",
    atMs,
    data: { cause, change, end, exemption, id: "w1", start: claimed(begunMs) },
  });
  const steps: Step[] = [];
  for (let atMs = startMs + 1_000; atMs < startMs + 3_590_000; atMs += 300_000) steps.push(sample(atMs, null));
  steps.push({ checkpoint: true, atMs: startMs + 3_560_000 }, sample(startMs + 3_570_000, null));
  for (const afterMs of [0, 5_000, 10_000]) steps.push(sample(begunMs + afterMs, cause, layers, afterMs > 0));
  steps.push(window("opened", null, begunMs + 10_000));
  for (let atMs = begunMs + 30_000; atMs < endedMs; atMs += 30_000) {
    steps.push(sample(atMs, cause, layers));
    if (atMs === begunMs + 300_000) steps.push({ checkpoint: true, atMs: startMs + 3_900_500 });
  }
  steps.push(sample(endedMs, null), window("closed", claimed(endedMs), endedMs));
  steps.push({ checkpoint: true, atMs: startMs + 4_300_000 });
  for (let atMs = startMs + 4_400_000; atMs < startMs + 5_400_000; atMs += 300_000) steps.push(sample(atMs, null));
  steps.push({ checkpoint: true, atMs: startMs + 5_500_000 });
  return steps;
}

export function outageBundle(changed: Partial<OutageStory> & Partial<BundleOptions> = {}): SmallBundle {
  return buildBundle({
    steps: outageSteps(changed),
    first: 0,
    windows: ["w1"],
    erased: new Set(),
    witnessName: "contractor.example/witness",
    ...changed,
  });
}
