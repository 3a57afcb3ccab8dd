"""Values as people and programs give them."""


def differs(record, name: str, value) -> bool:
    """Whether a value would change a field; forms and rewards write what is there already.

    :param record: one record
    :param value: as :meth:`write` takes it
    """
    field = record._fields[name]
    given = field.convert_to_cache(value, record)
    return field.convert_to_record(given, record) != record[name]
