def migrate(cr, version):
    """Forget what units of time were called in other languages, so that the update names them anew.

    They were translated as the column "Hours" of a calendar is, which is a slot of time. What a
    choice is called already is otherwise kept by an update.
    """
    cr.execute(
        """
        UPDATE ir_model_fields_selection AS choice
           SET name = jsonb_build_object('en_US', choice.name->'en_US')
          FROM ir_model_fields AS field
         WHERE field.id = choice.field_id
           AND field.model = 'crm.occasion.rule'
           AND choice.value IN ('minutes', 'hours')
        """
    )
