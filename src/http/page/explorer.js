// The metrics explorer: families, then the series of one.
import { byId } from './dom.js';
import { familyFinder } from './families.js';
import { familySeries } from './family-series.js';

/** @import { StatusView } from '../status-view.ts' */

/** @returns {{ open(family: string): void, update(status: StatusView): void }} */
export function explorer() {
  const familyView = byId('family-view');
  const seriesView = byId('series-view');
  const match = byId('metric-match');
  /** @type {StatusView | undefined} */
  let status;
  const series = familySeries(() => status?.agent.targets ?? {});
  /** The previously focused element, to restore the focus. */
  let opener = /** @type {Element | null} */ (null);

  /** @param {string} family */
  function open(family) {
    opener = document.activeElement;
    familyView.hidden = true;
    match.hidden = true;
    seriesView.hidden = false;
    series.open(family);
    byId('explorer').scrollIntoView();
    byId('series-name').focus({ preventScroll: true });
  }

  const families = familyFinder(open);
  byId('series-back').addEventListener('click', () => {
    series.close();
    seriesView.hidden = true;
    familyView.hidden = false;
    match.hidden = false;
    (opener instanceof HTMLElement && opener.isConnected ? opener : match).focus({ preventScroll: true });
  });

  return {
    open,
    update(newer) {
      const cycled = newer.cycle.lastMs !== status?.cycle.lastMs;
      status = newer;
      // A hidden list is not fetched again.
      if (!cycled || (families.loaded() && !inView(byId('explorer')))) return;
      if (seriesView.hidden) families.refresh();
      else series.refresh();
    },
  };
}

/** @param {Element} node */
function inView(node) {
  const { top, bottom } = node.getBoundingClientRect();
  return bottom > 0 && top < innerHeight;
}
