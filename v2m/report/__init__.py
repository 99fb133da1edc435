"""What a take or an analysis looks like: a page that plays, and pictures.

Of a take:      contents -> lanes and tables -> page -> write: `report.html`
                contents -> take_plot: a PNG
Of an analysis: analysis_plot: a PNG
"""

from v2m.report.analysis_plot import HIT_COLORS, TEMPO, plot_analysis

__all__ = ["HIT_COLORS", "TEMPO", "plot_analysis"]
