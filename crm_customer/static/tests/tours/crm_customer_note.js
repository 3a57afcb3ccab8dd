import { registry } from "@web/core/registry";

/** Started on the form of a contact; a confidential note of a colleague stands there already. */
registry.category("web_tour.tours").add("crm_customer_note", {
    steps: () => [
        {
            content: "open the customer file",
            trigger: "a.nav-link[name=customer_file]",
            run: "click",
        },
        {
            content: "a confidential note carries a lock",
            trigger: ".o_crm_note:contains('takes insulin') .fa-lock",
        },
        {
            content: "begin a note",
            trigger: ".o_crm_notes_add",
            run: "click",
        },
        {
            content: "an empty note cannot be saved",
            trigger: ".o_crm_notes_save:disabled",
        },
        {
            content: "write it",
            trigger: ".o_crm_notes_text",
            run: "edit Two ashtrays on the tea table",
        },
        {
            content: "a category proposes who reads it",
            trigger: ".o_crm_notes_category:contains('Health')",
            run: "click",
        },
        {
            content: "confidential is proposed",
            trigger: ".o_crm_notes_visibility:has(option[value=confidential]:checked)",
        },
        {
            content: "another category",
            trigger: ".o_crm_notes_category:contains('Habits')",
            run: "click",
        },
        {
            content: "save",
            trigger: ".o_crm_notes_save:enabled",
            run: "click",
        },
        {
            content: "the note stands first, the composer is gone",
            trigger:
                ".o_crm_notes:not(:has(.o_crm_notes_composer)) li:first-child .o_crm_note:contains('Two ashtrays')",
        },
    ],
});

/** Two customers, of whom the second one's notes cannot be read. */
registry.category("web_tour.tours").add("crm_customer_next_notes", {
    steps: () => [
        {
            content: "search both",
            trigger: ".o_searchview_input",
            run: "edit Notes Tour",
        },
        {
            content: "by name",
            trigger: ".o_searchview_autocomplete .o-dropdown-item:first:contains('Notes Tour')",
            run: "click",
        },
        {
            content: "open the first",
            trigger: ".o_data_row:contains('Notes Tour 1') .o_data_cell:contains('Notes Tour 1')",
            run: "click",
        },
        {
            content: "open the customer file",
            trigger: "a.nav-link[name=customer_file]",
            run: "click",
        },
        {
            content: "the note stands there",
            trigger: ".o_crm_note:contains('Allergic to nuts')",
        },
        {
            content: "the next customer",
            trigger: ".o_pager_next",
            run: "click",
        },
        {
            content: "his notes could not be read, and no others are shown",
            trigger:
                ".o_form_view:has(.o_breadcrumb:contains('Notes Tour 2')) .o_crm_notes:has(.alert-warning):not(:has(.o_crm_note)):not(:has(.badge))",
        },
    ],
});

/** What was typed and not saved is kept, as the rest of the form is. */
registry.category("web_tour.tours").add("crm_customer_note_left", {
    steps: () => [
        {
            content: "open the customer file",
            trigger: "a.nav-link[name=customer_file]",
            run: "click",
        },
        {
            trigger: ".o_crm_notes_add",
            run: "click",
        },
        {
            trigger: ".o_crm_notes_text",
            run: "edit Likes tea",
        },
        {
            content: "save",
            trigger: ".o_crm_notes_save:enabled",
            run: "click",
        },
        {
            content: "the time line has it at once",
            trigger: ".o_crm_timeline_entry:contains('Likes tea')",
        },
        {
            trigger: ".o_crm_notes_add",
            run: "click",
        },
        {
            content: "a second one",
            trigger: ".o_crm_notes_text",
            run: "edit Likes coffee",
        },
        {
            content: "leave, without saving",
            trigger: ".o_form_button_create",
            run: "click",
        },
        {
            content: "a new contact",
            trigger: ".o_form_view:has(.o_field_widget[name=name] :placeholder-shown)",
        },
    ],
});
