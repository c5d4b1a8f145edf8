"""How to read each kind of chart: printed beside it, folded away."""

BAND = "The shaded band is the range in which the true value lies with the stated probability. The wider it is, the less is known."

# Sources of charts that show no data of the partnership.
STUDIED = "studies of this program on made-up data; the tables name each study, its date and its version"
FORECAST = "forecasts of this program from the areas' own history"

READING = {
    "counterfactual": "Circles are what was recorded. The solid line is what the model expects with the intervention. The dashed "
    f"line is what it expects had there been none; it is an estimate, for nobody could see it. {BAND} The gap between the two "
    "lines after the dotted vertical line is the effect. If the band covers the solid line, there may be no effect at all.",
    "averted": "The line adds up, month after month, how many fewer (above zero) or more (below zero) there were than expected "
    f"without the intervention. {BAND} If the band still covers zero at the right end, the total may be nothing.",
    "forest": "Each row is one intervention. The square is the best estimate, the bar the range in which the true change lies with "
    "the stated probability. Left of zero means fewer than expected, right means more. A bar across zero means that the data "
    "cannot rule out no change. Long bars mean that little is known.",
    "event_study": "Each mark is the effect so many periods after the start; the line through it is its range. Zero means no change. "
    "Before the start nothing was done, so marks there should lie near zero.",
    "placebo": "Circles are estimates made where nothing was done. They show how large an effect chance and drift alone can feign. "
    "The diamond is the real estimate. It means most when it stands clear of the circles.",
    "prior": "The dashed curve is what was thought possible before the data were seen, the filled one after. The further they are "
    "apart, and the narrower the filled one, the more the data have said.",
    "predictive": "Bars are where the model would put each figure, circles what was recorded. A good model has nearly all circles "
    "inside the pale bars, and about half inside the dark ones.",
    "map": "Each area has a number that the table explains. Only areas that are surely above or below the partnership as a whole "
    "have a shade of their own; the others may differ by chance.",
    "ranges": "The square is the best estimate of the area's rate, the bar its range. Where bars overlap, nobody can say which area "
    "is higher. The dotted line is the partnership as a whole.",
    "season": "Above zero means more than in an even year, below zero fewer. The line through each mark is its range.",
    "control": "Points scatter for no reason at all. Only a pattern that chance seldom makes is a signal: a point beyond a dashed "
    "limit, or a run on one side of the mean. A signal says that something changed, never why.",
    "gap": "Each point is the time between one event and the next. High points mean that events became rarer. A point above the "
    "upper limit is a signal; a low one means that events came close together.",
    "calendar": "One row for each area, one square for each period. Plain pale squares are complete. Every other state has a mark "
    "of its own as well as a colour; the key above the chart names it.",
    "feasibility": "Each line shows how large a change has to be before the method would find it four times in five. The lower the "
    "line, the smaller the change that can be found. More time and more areas help.",
    "coverage": "Each mark is one situation, tried on made-up data many times. It shows how often the interval held the truth. Marks "
    "near the dashed line are right; marks to the left mean intervals too narrow.",
    "ranks": "If the computation is right, all bars of a panel are about equally high, within the band. Bars beyond it by more "
    "than chance allows would show a fault.",
}
