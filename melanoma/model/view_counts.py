"""How many views of a photograph a bundle may average."""

VIEW_COUNTS = (1, 2, 4, 8)
_MOST_OBLONG = 4  # the others turn by 90 degrees


def view_fault(views: int, height: int, width: int) -> str:
    """Returns what is wrong with a number of views for a size of photographs; empty if nothing is."""
    if views not in VIEW_COUNTS:
        return f"{views} views, expected one of {', '.join(map(str, VIEW_COUNTS))}"
    if views > _MOST_OBLONG and height != width:
        return f"{views} views of {height}x{width} pixels, expected at most {_MOST_OBLONG} unless they are square"
    return ""
