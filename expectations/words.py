"""How a field is written, in the words of those who fill it in."""

from expectations.model import Bilingual, FieldSpec

_TYPES = {
    "text": Bilingual(zh="文本", en="text"),
    "code": Bilingual(zh="代码", en="code"),
    "date": Bilingual(zh="日期", en="date"),
    "timestamp": Bilingual(zh="日期时间", en="date and time"),
    "integer": Bilingual(zh="整数", en="whole number"),
    "decimal": Bilingual(zh="数值", en="number"),
    "boolean": Bilingual(zh="是/否", en="yes or no"),
}


def type_words(field: FieldSpec) -> Bilingual:
    """A field's type in words; a number with its digits."""
    words = _TYPES[field.base_type]
    if field.base_type != "decimal":
        return words
    digits, scale = field.arguments
    return Bilingual(
        zh=f"{words.zh}（共 {digits} 位，小数 {scale} 位）", en=f"{words.en} ({digits} digits, {scale} decimals)"
    )
