// SPDX-License-Identifier: MIT
// As much of GTK 3 as the window needs, straight from its library.
using System;
using System.Runtime.InteropServices;

internal static unsafe partial class Gtk
{
    public const int Center = 3; // GTK_ALIGN_CENTER

    /// <summary>Why there can be no window, for the person who is to change that; null: there can.</summary>
    public static string? Explain()
    {
        try
        {
            return Native.gtk_init_check(0, 0)
                ? null
                : "no display answers (DISPLAY is "
                  + $"'{Environment.GetEnvironmentVariable("DISPLAY")}'); start the broker in a desktop session";
        }
        catch (DllNotFoundException)
        {
            return "GTK 3 is not installed; on Debian: apt install libgtk-3-0";
        }
    }

    public static void Run() => Native.gtk_main();

    public static void Quit() => Native.gtk_main_quit();

    /// <summary>Have it done on the main thread, soon. Any thread.</summary>
    public static void Post(Action action) => Native.g_idle_add(&OnIdle, Hold(action));

    public static void On(nint widget, string signal, Action action) =>
        Native.g_signal_connect_data(widget, signal, &OnSignal, Hold(action), 0, 0);

    public static nint Label(string text, string style, float align)
    {
        nint label = Native.gtk_label_new(text);
        Native.gtk_label_set_xalign(label, align);
        Native.gtk_style_context_add_class(Native.gtk_widget_get_style_context(label), style);
        return label;
    }

    public static void Style(string css)
    {
        const uint priority = 600; // GTK_STYLE_PROVIDER_PRIORITY_APPLICATION
        nint provider = Native.gtk_css_provider_new();
        Native.gtk_css_provider_load_from_data(provider, css, -1, 0);
        Native.gtk_style_context_add_provider_for_screen(
            Native.gdk_screen_get_default(), provider, priority);
    }

    private static nint Hold(Action action) => GCHandle.ToIntPtr(GCHandle.Alloc(action));

    [UnmanagedCallersOnly]
    private static int OnIdle(nint data)
    {
        GCHandle handle = GCHandle.FromIntPtr(data);
        ((Action)handle.Target!)();
        handle.Free();
        return 0; // once
    }

    /// <summary>Signals of one argument, the widget; connected for as long as that lives.</summary>
    [UnmanagedCallersOnly]
    private static void OnSignal(nint widget, nint data) => ((Action)GCHandle.FromIntPtr(data).Target!)();

#pragma warning disable SA1300, IDE1006 // the names are GTK's
    public static partial class Native
    {
        private const string Library = "libgtk-3.so.0"; // with glib and gdk, which it brings along

        [LibraryImport(Library)]
        [return: MarshalAs(UnmanagedType.Bool)]
        public static partial bool gtk_init_check(nint argc, nint argv);

        [LibraryImport(Library)]
        public static partial void gtk_main();

        [LibraryImport(Library)]
        public static partial void gtk_main_quit();

        [LibraryImport(Library)]
        public static partial nint gtk_window_new(int type);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial void gtk_window_set_title(nint window, string title);

        [LibraryImport(Library)]
        public static partial void gtk_window_set_titlebar(nint window, nint titlebar);

        [LibraryImport(Library)]
        public static partial void gtk_window_set_default_size(nint window, int width, int height);

        [LibraryImport(Library)]
        public static partial nint gtk_header_bar_new();

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial void gtk_header_bar_set_title(nint bar, string title);

        [LibraryImport(Library)]
        public static partial void gtk_header_bar_set_show_close_button(nint bar, [MarshalAs(UnmanagedType.Bool)] bool show);

        [LibraryImport(Library)]
        public static partial void gtk_header_bar_pack_start(nint bar, nint child);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial nint gtk_button_new_with_label(string label);

        [LibraryImport(Library)]
        public static partial nint gtk_grid_new();

        [LibraryImport(Library)]
        public static partial void gtk_grid_set_row_spacing(nint grid, int spacing);

        [LibraryImport(Library)]
        public static partial void gtk_grid_set_column_spacing(nint grid, int spacing);

        [LibraryImport(Library)]
        public static partial void gtk_grid_attach(nint grid, nint child, int left, int top, int width, int height);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial nint gtk_label_new(string text);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial void gtk_label_set_text(nint label, string text);

        [LibraryImport(Library)]
        public static partial void gtk_label_set_xalign(nint label, float align);

        [LibraryImport(Library)]
        public static partial void gtk_label_set_width_chars(nint label, int count);

        [LibraryImport(Library)]
        public static partial nint gtk_level_bar_new_for_interval(double lowest, double highest);

        [LibraryImport(Library)]
        public static partial void gtk_level_bar_set_value(nint bar, double value);

        [LibraryImport(Library)]
        public static partial void gtk_container_add(nint container, nint child);

        [LibraryImport(Library)]
        public static partial void gtk_container_set_border_width(nint container, int width);

        [LibraryImport(Library)]
        public static partial void gtk_widget_show_all(nint widget);

        [LibraryImport(Library)]
        public static partial void gtk_widget_set_hexpand(nint widget, [MarshalAs(UnmanagedType.Bool)] bool expand);

        [LibraryImport(Library)]
        public static partial void gtk_widget_set_valign(nint widget, int align);

        [LibraryImport(Library)]
        public static partial nint gtk_widget_get_style_context(nint widget);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial void gtk_style_context_add_class(nint context, string name);

        [LibraryImport(Library)]
        public static partial void gtk_style_context_add_provider_for_screen(nint screen, nint provider, uint priority);

        [LibraryImport(Library)]
        public static partial nint gtk_css_provider_new();

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial int gtk_css_provider_load_from_data(nint provider, string css, nint length, nint error);

        [LibraryImport(Library)]
        public static partial nint gdk_screen_get_default();

        [LibraryImport(Library)]
        public static partial uint g_idle_add(delegate* unmanaged<nint, int> function, nint data);

        [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
        public static partial ulong g_signal_connect_data(
            nint instance, string signal, delegate* unmanaged<nint, nint, void> handler, nint data, nint destroy, int flags);
    }
#pragma warning restore SA1300, IDE1006
}
