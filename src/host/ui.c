/* SPDX-License-Identifier: MIT */
/* What the main thread does for a native user interface, and how that is ended. */
#include "host/ui.h"

#include "host/commands.h"
#include "host/host.h"

static void run_on_main_thread(void *context)
{
    umh_ui *ui = context;
    int code = ui->module->run(ui->state);

    if (atomic_load(&ui->is_asked))
        return;
    /* One that cannot say so ends without order. */
    if (umh_commands_tell_closed(ui->host, ui->identity->slot, code) != 0)
        umh_host_end(ui->host, code);
}

int umh_ui_start(umh_ui *ui, umh_why *ret_why)
{
    umh_main_thread_work work = {
        .module = ui->identity->module, .run = run_on_main_thread, .context = ui};
    int r;

    if (!ui->module)
        return 0;
    atomic_store(&ui->is_asked, false);
    r = umh_main_thread_give(ui->host->main_thread, &work, ret_why);
    if (r == UMH_MAIN_THREAD_TAKEN)
        return UMH_MODULE_UNUSABLE;
    return umh_fold(r);
}

void umh_ui_stop(umh_ui *ui)
{
    if (!ui->module)
        return;
    atomic_store(&ui->is_asked, true);
    if (umh_main_thread_withdraw(ui->host->main_thread, ui))
        ui->module->quit(ui->state);
    umh_main_thread_await(ui->host->main_thread, ui);
}
