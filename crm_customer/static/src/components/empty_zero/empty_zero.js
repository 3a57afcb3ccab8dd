import { registry } from "@web/core/registry";
import { IntegerField, integerField } from "@web/views/fields/integer/integer_field";

/** A number for which nothing was given is empty, not 0: the placeholder says what belongs there. */
export class EmptyZeroField extends IntegerField {
    static template = "crm_customer.EmptyZeroField";
    static props = {
        ...IntegerField.props,
        placeholder: { type: String, optional: true },
    };

    get formattedValue() {
        return this.value ? super.formattedValue : "";
    }
}

registry.category("fields").add("crm_empty_zero", {
    ...integerField,
    component: EmptyZeroField,
    extractProps: (fieldInfo, dynamicInfo) => ({
        ...integerField.extractProps(fieldInfo, dynamicInfo),
        placeholder: fieldInfo.placeholder || fieldInfo.attrs.placeholder,
    }),
});
