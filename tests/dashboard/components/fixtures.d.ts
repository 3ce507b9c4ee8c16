/** Values that Python computes for the tests of the browser's modules: see test_javascript.py. */
import type { ChartField, HistoryMessage, StepsMessage } from "../../../mnist_dashboard/components/lib/types";

/** Numbers, and how Python's pages write them. */
export const FORMATTED: { value: number | null; percent: string; count: string; loss: string }[];
export const CLOCKS: { seconds: number; text: string }[];

/** Samples of a mean, and half of its confidence interval. */
export const INTERVALS: { count: number; sd: number; half: number }[];

/** One run: the history of its first steps, the message of the next, and the smoothed values at its end. */
export const SERIES: {
  smoothing: number;
  history: HistoryMessage;
  steps: StepsMessage;
  smoothed: Record<"loss" | "accuracy" | "examples_per_second", number>;
};

export const CHART_FIELDS: ChartField[];
export const CHART_AXES: string[];
