/** Types of the module that Python writes: mnist_dashboard/server/shared_constants.py says what each constant means. */

import type { CurveField, LevelField, RunMetrics } from "./types";

interface Setting {
  label: string;
  /** Name where there is little room; empty if the value speaks for itself. */
  short_label: string;
  kind: "number" | "choice" | "switch";
  default: number | string | boolean;
  /** Label of each value; empty unless `kind` is "choice". */
  choices: Record<string, string>;
}

interface Metric {
  label: string;
  /** Title of the column in the table of runs. */
  title: string;
  unit: "share" | "nats" | "images/s" | "seconds";
  best: "high" | "low" | null;
  images: "test_images" | "validation_images" | null;
}

interface Status {
  label: string;
  is_finished: boolean;
}

/** mnist_core/labels.py, the names that the browser uses. */
export const LABELS: Record<
  | "EPOCH" | "STEP" | "DURATION" | "LEFT" | "SPEED" | "SPEED_UNIT" | "SPEED_WITH_UNIT"
  | "TRAIN_LOSS" | "TRAIN_LOSS_SMOOTHED" | "TRAIN_LOSS_LAST_BATCH"
  | "TRAIN_ACCURACY" | "TRAIN_ACCURACY_SMOOTHED" | "TRAIN_ACCURACY_LAST_BATCH"
  | "VALIDATION" | "BEST_VALIDATION" | "TEST" | "TEST_ACCURACY" | "TEST_LOSS"
  | "CREATED" | "STARTED" | "ENDED" | "CHANGES" | "SHOW_ARCHIVED" | "FINISHED",
  string
>;
export const SETTINGS: Record<string, Setting>;
export const METRICS: Record<keyof RunMetrics, Metric>;
export const RUN_STATUSES: Record<string, Status>;

/** The reason of a run that a person took off the queue. */
export const REMOVED_FROM_QUEUE: string;

export const CURVES: CurveField[];
export const LEVELS: LevelField[];
export const MAX_BUCKETS: number;
export const DEFAULT_SMOOTHING: number;
export const RECENT_BATCHES: number;
export const RECENT_SHARE: number;

export const CLASSES: number;
export const RUN_COLORS: number;
export const MAX_OVERLAID: number;
export const MAX_PINNED: number;
export const MAX_NAME_LENGTH: number;
export const MAX_SEARCH_LENGTH: number;
export const MAX_CONDITION_LENGTH: number;

export const MAX_PICTURE_BYTES: number;

export const CURVE_DIGITS: string;
export const PING_SECONDS: number;

export const CONFIDENCE: number;
export const ROUNDING_VARIANCE: number;
export const NAMED_CHANGES: number;
/** By degrees of freedom, from 1 on. */
export const T_QUANTILES: number[];

export const OWNER: string;
