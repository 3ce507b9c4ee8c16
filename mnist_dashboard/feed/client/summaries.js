/** Summaries of one run from two sources: the stream and the page. Pure. */

/** @import { Run } from "../../components/lib/types" */

/**
 * The newer of two summaries. The page does not know the sentence, which is made from the curves: what the stream said last
 * stays until the run changes its state.
 * @param {Run|undefined} streamed @param {Run} painted from the page
 */
export function newerSummary(streamed, painted) {
  if (!streamed) return painted;
  if (painted.revision < streamed.revision) return streamed;
  const isSameState = streamed.status === painted.status && streamed.attempt === painted.attempt;
  return isSameState ? { ...painted, sentence: painted.sentence ?? streamed.sentence } : painted;
}
