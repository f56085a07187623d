"""An example of every command and action, which its help shows; a test parses each one."""

_NEXT_LINE = " \\\n  "
EXAMPLES = {
    "melanoma score": (
        f"melanoma score --images s3://archive/dermoscopy --stop-at 05:30{_NEXT_LINE}"
        "--bundle ham10000-lite0-taught --output s3://results/scores"
    ),
    "melanoma query": 'melanoma query scores "SELECT top_label, count(*) FROM latest GROUP BY ALL"',
    "melanoma table": "melanoma table models scores",
    "melanoma table history": "melanoma table history scores",
    "melanoma table models": "melanoma table models scores",
    "melanoma table promote": "melanoma table promote scores m-501b05be0066",
    "melanoma table delete": "melanoma table delete scores --older-than 400d",
    "melanoma table compact": "melanoma table compact scores",
    "melanoma table vacuum": "melanoma table vacuum scores --retention-days 30",
    "melanoma table forget": "melanoma table forget scores --uris uris.txt",
    "melanoma explain": "melanoma explain scores /archive/dermoscopy/lesion-0001.jpg",
    "melanoma doctor": (
        f"melanoma doctor --images s3://archive/dermoscopy{_NEXT_LINE}"
        "--bundle ham10000-lite0-taught --output s3://results/scores"
    ),
    "melanoma evaluate": (
        f"melanoma evaluate scores --labels metadata.csv --id-column image_id{_NEXT_LINE}"
        "--label-column dx --group-column lesion_id --trained-on split.csv"
    ),
    "melanoma compare": "melanoma compare scores --old-model m-501b05be0066 --new-model m-b5ff6dd4ad14",
    "melanoma train": (
        f'melanoma train --data /archive/labelled --data-licence "CC BY 4.0"{_NEXT_LINE}--output models/mine'
    ),
    "melanoma augment": "melanoma augment --data /archive/labelled --preview previews",
    "melanoma bundle": "melanoma bundle list",
    "melanoma bundle list": "melanoma bundle list",
    "melanoma bundle inspect": "melanoma bundle inspect models/mine --card",
    "melanoma bundle verify": "melanoma bundle verify models/mine",
    "melanoma bundle import": (
        f"melanoma bundle import model.keras --labels melanoma nevus --size 224x224{_NEXT_LINE}"
        '--scale 0.00392157 --licence "CC BY 4.0" --output models/imported'
    ),
    "melanoma bundle check": (
        f"melanoma bundle check models/imported --images photographs{_NEXT_LINE}--expect expected.csv"
    ),
    "melanoma bundle convert": "melanoma bundle convert models/mine models/mine-portable",
    "melanoma bundle recalibrate": (
        f"melanoma bundle recalibrate models/mine models/mine-anew --data labels.csv{_NEXT_LINE}"
        f"--root photographs --id-column image --label-column label{_NEXT_LINE}--group-column patient --views 4"
    ),
    "melanoma bundle add-external": (
        f"melanoma bundle add-external models/mine models/mine-judged --scores scores{_NEXT_LINE}"
        f"--external other-hospital.csv --external-id-column image{_NEXT_LINE}--external-label-column label"
    ),
    "melanoma audit": "melanoma audit data/train data/test --output audit",
    "melanoma completion": "melanoma completion bash",
    "melanoma samples": "melanoma samples photographs --count 50",
}
