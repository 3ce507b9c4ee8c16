/** Values that Python computes for the tests of the browser's modules: see test_javascript.py. */
import type { ChartField, Curve, HistoryMessage, Run, StepsMessage } from "../../../mnist_dashboard/components/lib/types";

/** Numbers, and how Python's pages write them. */
export const FORMATTED: { value: number | null; percent: string; count: string; loss: string }[];
export const CLOCKS: { seconds: number; text: string }[];

/** Samples of a mean, and half of its confidence interval. */
export const INTERVALS: { count: number; sd: number; resolution: number; half: number }[];

/** Runs, and for each the name of its group of seeds. */
export const GROUPS: { runs: Run[]; names: string[] }[];

/** One run: the history of its first steps, the message of the next, and the smoothed values at its end. */
export const SERIES: {
  smoothing: number;
  history: HistoryMessage;
  steps: StepsMessage;
  smoothed: Record<"loss" | "accuracy" | "examples_per_second", number>;
};

/** A run in the parts that a browser gets when it reconnects, and TensorBoard's curve of its loss. */
export const RECONNECTIONS: { smoothing: number; parts: { history: HistoryMessage; steps: StepsMessage }[]; smooth: number[] }[];

/** Runs whose losses are not all finite: the first steps, the later ones, and what is drawn at their end. */
export const CURVE_CASES: {
  name: string;
  smoothing: number;
  history: HistoryMessage;
  messages: StepsMessage[];
  x: number[];
  loss: Curve;
  lr: number[];
  /** Of values that the feed rounds to six digits. */
  tolerance: number;
}[];

export const CHART_FIELDS: ChartField[];
export const CHART_AXES: string[];
