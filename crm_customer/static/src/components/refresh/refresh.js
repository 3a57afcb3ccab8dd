import { Component, onMounted, onWillUnmount, xml } from "@odoo/owl";

import { registry } from "@web/core/registry";
import { standardWidgetProps } from "@web/views/widgets/standard_widget_props";

const INTERVAL = 5000;

/** Reads the record again every few seconds: shown while something works on it, invisible itself. */
export class RefreshWidget extends Component {
    static template = xml`<span class="o_crm_refresh d-none"/>`;
    static props = { ...standardWidgetProps };

    setup() {
        onMounted(() => {
            this.timer = setInterval(() => this.refresh(), INTERVAL);
        });
        onWillUnmount(() => clearInterval(this.timer));
    }

    async refresh() {
        const { record } = this.props;
        if (document.hidden || record.dirty || !record.resId) {
            return;
        }
        try {
            await record.load();
        } catch (error) {
            // said once; whoever reloads the page starts it again
            clearInterval(this.timer);
            throw error;
        }
    }
}

registry.category("view_widgets").add("crm_refresh", { component: RefreshWidget });
