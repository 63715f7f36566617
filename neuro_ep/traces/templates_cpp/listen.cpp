{% extends 'dense_operation.cpp' %}
{% macro _of(name) %}{{get_array_name(variables['_look_' ~ name])}}{% endmacro %}
{% block maincode %}
    static neuro_ep::Stream _stream;
    if ({{_of('watching')}}[0])
    {
        const int32_t* const _events = {{get_array_name(events)}};
        for (int32_t _k = 0; _k < _events[{{events.size - 1}}]; _k++)
            if ({{_of('units')}}[_events[_k]])
                _stream.append<int64_t>({{_of('file')}}, {{_of('now')}}[0], _events[_k]);
    }
    if ({{_of('presentation')}}[0] >= {{_of('total')}}[0]) _stream.close();
{% endblock %}
