// SPDX-License-Identifier: MIT
// A window as a module: its loop has the main thread, the host calls handlers on one of its own.
using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;
using UniversalModuleHost;

internal static class Program
{
    private static readonly Guid s_commands = new(Bus.Commands);

    [STAThread]
    private static int Main(string[] arguments)
    {
        IModuleHost host = ModuleHost.Current;
        if (Gtk.Explain() is { } missing)
        {
            host.Logger.LogError("There is no window: {Missing}", missing);
            return 1;
        }

        string title = arguments is ["--title", var given] ? given : "Dashboard";
        Window window = new(title, onReset: () => Reset(host));

        // Handlers are called on a thread of the host; GTK is used on the main thread alone.
        host.SubscribeAsync(Bus.Readings, Json.Default.Reading, (reading, _) =>
        {
            Gtk.Post(() => window.Show(reading!));
            return ValueTask.CompletedTask;
        }).AsTask().Wait();
        using CancellationTokenRegistration stop = host.Stopping.Register(() => Gtk.Post(Gtk.Quit));

        Gtk.Run();
        return 0; // the window was closed, or the host stops: either way, nothing has failed
    }

    private static void Reset(IModuleHost host)
    {
        SendResult result = host.TrySend(s_commands, "reset");
        if (result != SendResult.Ok)
            host.Logger.LogWarning("The reset was not sent: {Result}", result);
    }
}
