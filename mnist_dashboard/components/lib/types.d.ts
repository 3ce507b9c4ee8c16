/**
 * Types of what the server sends. `Run` is written by feed/summaries/run_summary.py, the messages by feed/hub.py;
 * fields that no script reads are left out.
 */

/** Numbers that metrics are measured in; null until measured, or where the value is not finite. */
export interface RunMetrics {
  loss: number | null;
  accuracy: number | null;
  examples_per_second: number | null;
  elapsed_seconds: number | null;
  validation_accuracy: number | null;
  best_validation_accuracy: number | null;
  test_accuracy: number | null;
  test_loss: number | null;
}

export interface Settings {
  batch_size: number;
  epochs: number;
  seed: number;
  [name: string]: number | string | boolean;
}

export interface Intervention {
  /** Updates completed when the setting was changed. */
  step: number;
  field: string;
  old: number;
  new: number;
  /** Seconds since 1970. */
  at: number;
  by: string;
}

/** What to say of a run in one sentence, and at most one remedy for it. */
export interface Sentence {
  text: string;
  tone: "result" | "fault" | "doctor" | "progress";
  /** What one button would do; Python carries it out by its id. */
  remedy: { id: string; label: string } | null;
  /** True and predicted digit of the commonest mistake. */
  cell: [number, number] | null;
}

export interface Run extends RunMetrics {
  id: number;
  /** Higher after every change, so that of two summaries the newer one is known. */
  revision: number;
  name: string;
  status: string;
  attempt: number;
  /** Why it ended; empty otherwise. */
  reason: string;
  notice: string;
  /** What to say of it in one sentence, if there is anything; missing where its curves are not at hand. */
  sentence?: Sentence | null;
  dataset: string;
  train_images: number;
  validation_images: number;
  test_images: number;
  total_steps: number;
  step: number;
  epoch: number;
  started_at: number | null;
  queue_position: number | null;
  /** Name of the run that a queued one waits for. */
  after: string | null;
  settings: Settings;
  /** The latest ones. */
  interventions: Intervention[];
  /** How many there were before those. */
  earlier_interventions: number;
  parent_id: number | null;
  parent_step: number | null;
  /** The search that it is a trial of. */
  sweep_id: number | null;
  /** The race that it is a lane of. */
  race_id: number | null;
  /** Step at which each epoch ends; empty until the dataset is known. */
  epoch_ends: number[];
  /** The same for runs that differ only in their seeds. */
  seed_group: string;
  notes: string;
  tags: string[];
  starred: boolean;
  /** Whether its test results were imported and could not be checked here. */
  unverified: boolean;
  archived: boolean;
  deleted: boolean;
  /** The training loss in a few points: the first, the last, and a digit for the height of each; empty before there are two. */
  curve: [] | [first: number | null, last: number | null, digits: string];
}

export type Split = "validation" | "test";

/** Counts of images by true digit, then by predicted digit. */
export type Matrix = number[][];

export interface Evaluation {
  step: number;
  epoch: number;
  split: Split;
  loss: number | null;
  accuracy: number | null;
  confusion: Matrix;
}

/** A curve reduced to buckets: extremes of the batches in each, and the last smoothed value; null in a bucket without values. */
export interface Curve {
  low: (number | null)[];
  high: (number | null)[];
  smooth: (number | null)[];
}

export type CurveField = "loss" | "accuracy" | "examples_per_second";
export type LevelField = "lr" | "elapsed_seconds";

/** What a chart can draw of a run. */
export type ChartField = CurveField | "lr";

export interface HistoryMessage extends Record<CurveField, Curve>, Record<LevelField, (number | null)[]> {
  run: number;
  attempt: number;
  step: number;
  /** Last step of each bucket. */
  x: number[];
  /** Of each curve, the average before bias correction and the number of values in it. */
  ema: Record<CurveField, [number, number]>;
  /** The latest batches of each curve, whatever the smoothing. */
  recent: Record<CurveField, (number | null)[]>;
  evaluations: Evaluation[];
  matrix: Matrix | null;
  matrix_batches: number;
}

export interface StepsMessage extends Record<CurveField | LevelField, (number | null)[]> {
  run: number;
  attempt: number;
  /** The first of these consecutive steps. */
  first: number;
  matrix: Matrix | null;
  matrix_batches: number;
}

export interface EvaluationMessage extends Evaluation {
  run: number;
  attempt: number;
}

export interface QueueMessage {
  /** Ids of the queued runs, in the order they will start. */
  runs: number[];
}

export interface AudienceMessage {
  watching: number;
  /** Who acted last. */
  driver: string | null;
}

/** What Streamlit gives a component to pass values to Python. */
export interface Host {
  setStateValue: (name: string, value: unknown) => void;
  setTriggerValue: (name: string, value: unknown) => void;
}

/** A search or a change of it, from feed/sweeps/sweep_head.py; a `trials` message has the trials that have changed. */
export interface SweepState {
  /** Its number. */
  sweep: number;
  name: string;
  status: "running" | "paused" | "stopping" | "completed" | "stopped" | "failed" | "interrupted";
  /** Why it failed or was interrupted; empty otherwise. */
  reason: string;
  /** Why no trial starts now; empty while it searches. */
  waits_for: string;
  objective: "accuracy" | "loss" | "time";
  /** Accuracy on validation that ends a trial, with the objective `time`. */
  target: number | null;
  /** How it searches, in a few words. */
  detail: string;
  parameters: SweepParameter[];
  max_trials: number | null;
  /** Its limit. */
  minutes: number | null;
  workers: number;
  /** Seconds in which it searched. */
  elapsed: number;
  /** Seconds; null as long as it is not known. */
  left: number | null;
  trials_a_minute: number | null;
  /** Of the search, without the trials with fresh seeds; `ended` has all but the running ones. */
  counts: Record<"ended" | "running" | "completed" | "pruned" | "diverged" | "failed" | "stopped", number>;
  best: { trial: number; value: number; text: string } | null;
  sentence: string;
  /** What the fresh seeds say of the winner; empty until they have been trained. */
  verdict: string;
  /** In a sentence, whether the winner is better than the defaults, and than the settings that it was to be compared with. */
  rivals: Partial<Record<Trial["role"], string>>;
  /** In the order of their numbers. */
  trials: Trial[];
}

export interface SweepParameter {
  name: string;
  label: string;
  /** Null unless it is a range. */
  low: number | null;
  high: number | null;
  log: boolean;
  /** Null unless it is a list of values. */
  values: (string | number | boolean)[] | null;
}

export interface Trial {
  /** From 1 on. */
  number: number;
  role: "search" | "winner" | "baseline" | "compared";
  status: "running" | "completed" | "pruned" | "diverged" | "failed" | "stopped";
  /** Values of the settings that are searched, by name; all that were compared; empty for the baseline. */
  values: Record<string, string | number | boolean>;
  /** Its result by the objective; null until it ends, or if it has none. */
  value: number | null;
  /** Of its last evaluation on validation: the loss if the search is by loss, else the accuracy. */
  latest: number | null;
  /** How many it trains: one run for each. */
  seeds: number;
  /** Steps of all its runs. */
  step: number;
  /** 0 until they are known. */
  total_steps: number;
  /** One for each seed; those in the bin are left out. */
  runs: { id: number; name: string; status: string }[];
  /** Pairs of a step and the mean over the seeds. */
  curve: [step: number, value: number][];
  /** Mean over the fresh seeds and its 95 % interval, which takes at least two; null in the search, which never tests. */
  test: { accuracy: number; low: number | null; high: number | null; seeds: number } | null;
  reason: string;
}
