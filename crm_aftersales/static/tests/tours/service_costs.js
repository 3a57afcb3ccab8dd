import { registry } from "@web/core/registry";
import { stepUtils } from "@web_tour/tour_utils";

const openLines = [
    {
        content: "What was done stands on a page of the request",
        trigger: ".o_notebook a[name='service']",
        run: "click",
    },
];

registry.category("web_tour.tours").add("crm_aftersales_service_technician", {
    steps: () => [
        ...openLines,
        {
            trigger: ".o_field_widget[name='service_line_ids'] .o_field_x2many_list_row_add a",
            run: "click",
        },
        {
            trigger: ".o_selected_row [name='product_id'] input",
            run: "edit Tour hour",
        },
        {
            trigger: ".o-autocomplete--dropdown-item:contains('Tour hour')",
            run: "click",
        },
        {
            content: "Prices are not his to enter",
            trigger: ".o_selected_row [name='price_unit'].o_readonly_modifier:contains('80')",
        },
        {
            trigger: ".o_selected_row [name='quantity'] input",
            run: "edit 2",
        },
        ...stepUtils.saveForm(),
        {
            trigger: "button[name='action_check_coverage']",
            run: "click",
        },
        {
            trigger: "[name='coverage_state']:contains('Not Covered')",
        },
    ],
});

registry.category("web_tour.tours").add("crm_aftersales_service_phone", {
    steps: () => [
        ...openLines,
        {
            trigger: ".o_field_widget[name='service_line_ids'] .o-kanban-button-new",
            run: "click",
        },
        {
            trigger: ".modal [name='product_id'] input",
            run: "click",
        },
        {
            trigger: ".modal .o_kanban_record:contains('Tour hour')",
            run: "click",
        },
        {
            content: "Prices are not his to enter",
            trigger: ".modal [name='price_unit'].o_readonly_modifier:contains('80')",
        },
        {
            trigger: ".modal .o_form_button_save",
            run: "click",
        },
        {
            trigger: ".o_field_widget[name='service_line_ids'] .o_kanban_record:contains('Tour hour')",
        },
        ...stepUtils.saveForm(),
    ],
});

registry.category("web_tour.tours").add("crm_aftersales_service_quotation", {
    steps: () => [
        ...openLines,
        {
            trigger: "button[name='action_create_quotation']",
            run: "click",
        },
        {
            content: "The quotation opens",
            trigger: ".o_field_widget[name='aftersales_request_id']",
        },
        {
            trigger: "button[name='action_send_aftersales_quotation']",
            run: "click",
        },
        {
            trigger: ".o_arrow_button_current:contains('Quotation Sent')",
        },
    ],
});
