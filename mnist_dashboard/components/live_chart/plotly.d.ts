/** The part of Plotly's interface that the charts use; traces, shapes and annotations are passed through as they are. */

export type Json = Record<string, unknown>;

/** Plotly recognises a trace by its `uid` when a chart is drawn again, and ignores the last two fields. */
export type Trace = Json & {
  uid: string;
  x: (number | null)[];
  y: (number | null)[];
  line?: Json;
  /** The texts that its hover template calls `customdata`, built only when Plotly draws. */
  hoverTexts?: () => string[];
  /** Whether it shows single batches: it moves in large steps, less often than the others. */
  ofBatches?: boolean;
};

export interface PlotlyAxis extends Json {
  type?: string;
  /** As it is without zoom; the ends of a logarithmic axis are exponents. */
  range?: [number, number];
}

export interface Layout extends Json {
  uirevision: string;
  xaxis: PlotlyAxis;
  yaxis: PlotlyAxis;
}

/** The element of a chart, after the first drawing. */
export interface PlotlyElement extends HTMLElement {
  /** The traces that were drawn. */
  data: Trace[];
  /** The axes as they were drawn; `d2p` converts a value to pixels in the plot. */
  _fullLayout: { xaxis: { d2p: (value: number | null) => number }; yaxis: { d2p: (value: number | null) => number } };
  on: (event: string, handler: (change: Record<string, unknown>) => void) => void;
}

export interface PlotlyLibrary {
  react: (element: HTMLElement, traces: Trace[], layout: Layout, config: Json) => Promise<PlotlyElement>;
  newPlot: (id: string, traces: Json[], layout: Json, config: Json) => Promise<PlotlyElement>;
  purge: (element: HTMLElement) => void;
}

declare global {
  interface Window {
    Plotly?: PlotlyLibrary;
  }
}
